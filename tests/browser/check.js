// SPDX-License-Identifier: MIT
// Pages of pagable in a real browser: nothing on the console, no request, every figure there, both
// themes, print, a narrow window, and everything readable without script.
//
//     node check.js FOLDER CHROMIUM
//
// FOLDER holds pages NAME.html with NAME.json: {"figures": [...], "tables": [...], "result": "..."}.
// Screenshots go there too.  Exit status 1 and one line each for what is wrong.
'use strict';
const fs = require('fs');
const path = require('path');
const {pathToFileURL} = require('url');
const {chromium} = require('playwright-core');

const [folder, executablePath] = process.argv.slice(2);
const wrong = [];

function check(condition, page, what) {
  if (!condition) {
    wrong.push(`${page}: ${what}`);
  }
}

async function open(browser, name, options, visit) {
  const context = await browser.newContext({viewport: {width: 1200, height: 900}, ...options});
  const page = await context.newPage();
  const file = pathToFileURL(path.join(folder, `${name}.html`)).href;
  page.on('console', message => check(false, name, `console: ${message.text()}`));
  page.on('pageerror', error => check(false, name, `script: ${error}`));
  page.on('request', request => check(request.url() === file, name, `asks for ${request.url()}`));
  page.on('dialog', dialog => {
    check(false, name, 'a dialog opens');
    dialog.dismiss();
  });
  await page.goto(file);
  await visit(page);
  await context.close();
}

function shot(page, name, kind) {
  return page.screenshot({path: path.join(folder, `${name}-${kind}.png`), fullPage: true});
}

// What must be visible whether or not scripts run.
async function checkContent(page, name, expected) {
  const figures = await page.$$eval('svg[data-figure]', all => all.map(svg => {
    const box = svg.getBoundingClientRect();
    return {name: svg.dataset.figure, area: box.width * box.height,
            title: svg.querySelector('title').textContent,
            named: svg.getAttribute('aria-labelledby').split(' ')
                .every(id => document.getElementById(id) !== null)};
  }));
  check(figures.map(figure => figure.name).join() === expected.figures.join(), name,
        `figures are ${figures.map(figure => figure.name)}`);
  for (const figure of figures) {
    check(figure.area > 10000, name, `figure ${figure.name} is empty`);
    check(figure.title.length > 0 && figure.named, name, `figure ${figure.name} has no name`);
  }
  const tables = await page.$$eval('details[data-table]', all => all.map(details => {
    details.open = true;
    const table = details.querySelector('table');
    return {name: details.dataset.table, rows: table.tBodies[0].rows.length,
            height: table.getBoundingClientRect().height,
            heads: table.querySelectorAll('thead th[scope=col]').length};
  }));
  check(tables.map(table => table.name).join() === expected.tables.join(), name,
        `tables are ${tables.map(table => table.name)}`);
  for (const table of tables) {
    check(table.rows > 0 && table.height > 20 && table.heads > 1, name,
          `table ${table.name} cannot be read`);
  }
  check(await page.getAttribute('.verdict', 'data-result') === expected.result, name, 'verdict');
  const ids = await page.$$eval('[id]', all => all.map(element => element.id));
  check(new Set(ids).size === ids.length, name, 'an id is there twice');
}

// Relative luminance contrast of text on its background, as WCAG has it.
function contrast(foreground, background) {
  const luminance = colour => {
    const parts = colour.match(/[\d.]+/g).slice(0, 3).map(part => {
      const c = Number(part) / 255;
      return c <= 0.03928 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4;
    });
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const [high, low] = [luminance(foreground), luminance(background)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

async function checkContrast(page, name, theme) {
  const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
  const colours = await page.evaluate(() => {
    const found = {};
    for (const selector of ['body', '.about', '.verdict strong', 'summary', 'th', 'button']) {
      const element = document.querySelector(selector);
      if (element) {
        found[selector] = getComputedStyle(element).color;
      }
    }
    for (const selector of ['.name', '.remark', '.note', '.tick', '.named', '.count', '.legend']) {
      const element = document.querySelector(`.figure ${selector}`);
      if (element) {
        found[selector] = getComputedStyle(element).fill;
      }
    }
    return found;
  });
  for (const [selector, colour] of Object.entries(colours)) {
    check(contrast(colour, background) >= 4.5, name,
          `${theme}: ${selector} has a contrast of ${contrast(colour, background).toFixed(2)}`);
  }
  return background;
}

async function checkThemes(browser, name, expected) {
  const backgrounds = {};
  for (const theme of ['light', 'dark']) {
    await open(browser, name, {colorScheme: theme}, async page => {
      await checkContent(page, name, expected);
      backgrounds[theme] = await checkContrast(page, name, theme);
      await shot(page, name, theme);
    });
  }
  check(backgrounds.light !== backgrounds.dark, name, 'both themes look the same');
  await open(browser, name, {colorScheme: 'light'}, async page => {
    await page.click('#theme');
    check(await checkContrast(page, name, 'toggled') === backgrounds.dark, name,
          'the button does not make it dark');
    await page.emulateMedia({media: 'print'});
    check(await checkContrast(page, name, 'dark, printed') === 'rgb(255, 255, 255)', name,
          'a dark page is printed dark');
    await page.emulateMedia({media: 'screen'});
    await page.click('#theme');
    check(await checkContrast(page, name, 'toggled back') === backgrounds.light, name,
          'the button does not make it light again');
  });
}

async function checkPointer(browser, name) {
  await open(browser, name, {}, async page => {
    const figure = await page.$('svg[data-figure=timeline]');
    if (figure === null) {
      return;
    }
    await figure.scrollIntoViewIfNeeded();
    const box = await figure.boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + box.height / 2);
    const text = await page.textContent('.readout >> visible=true');
    check(text.trim().length > 0, name, 'nothing is said under the pointer');
    await page.mouse.move(box.x + 5, box.y + box.height / 2);
    check(await page.$('.readout >> visible=true') === null, name, 'the readout stays');
  });
}

async function checkNarrowAndPrint(browser, name, expected) {
  await open(browser, name, {viewport: {width: 400, height: 800}}, async page => {
    const width = await page.evaluate(() => document.documentElement.scrollWidth);
    check(width <= 400, name, `the page is ${width} wide in a window of 400`);
    await shot(page, name, 'narrow');
  });
  await open(browser, name, {javaScriptEnabled: true}, async page => {
    await page.emulateMedia({media: 'print'});
    await checkContent(page, name, expected);
    await page.setViewportSize({width: 760, height: 1000});
    await shot(page, name, 'print');
    const pdf = await page.pdf({format: 'A4'});
    check(pdf.length > 10000, name, 'nothing is printed');
    fs.writeFileSync(path.join(folder, `${name}.pdf`), pdf);
  });
}

async function checkWithoutScript(browser, name, expected) {
  await open(browser, name, {javaScriptEnabled: false}, async page => {
    const body = await page.innerText('body');
    for (const text of expected.texts || []) {
      check(body.includes(text), name, `without script '${text}' is not there`);
    }
    check(await page.isVisible('#theme') === false, name, 'a button without a script');
    for (const table of expected.tables) {
      const details = page.locator(`details[data-table=${table}]`);
      if (await details.getAttribute('open') === null) {
        await details.locator('summary').click();
      }
      check(await details.locator('tbody tr').first().isVisible(), name,
            `without script table ${table} cannot be read`);
    }
  });
}

async function main() {
  const browser = await chromium.launch({executablePath, args: ['--no-sandbox']});
  const names = fs.readdirSync(folder).filter(file => file.endsWith('.html')).sort()
      .map(file => file.slice(0, -5));
  check(names.length > 0, folder, 'there are no pages');
  for (const name of names) {
    const expected = JSON.parse(fs.readFileSync(path.join(folder, `${name}.json`), 'utf8'));
    await checkThemes(browser, name, expected);
    await checkPointer(browser, name);
    await checkNarrowAndPrint(browser, name, expected);
    await checkWithoutScript(browser, name, expected);
  }
  await browser.close();
  for (const line of wrong) {
    console.error(line);
  }
  console.log(`${names.length} pages, ${wrong.length} complaints`);
  process.exitCode = wrong.length === 0 ? 0 : 1;
}

main();
