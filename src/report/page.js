/* Comfort only: everything on the page can be read without. */
(function () {
  "use strict";
  var root = document.documentElement;
  var button = document.getElementById("theme");

  function dark() {
    return root.dataset.theme ? root.dataset.theme === "dark"
                              : matchMedia("(prefers-color-scheme: dark)").matches;
  }

  function label() {
    button.textContent = dark() ? "Light theme" : "Dark theme";
  }

  button.hidden = false;
  button.addEventListener("click", function () {
    root.dataset.theme = dark() ? "light" : "dark";
    label();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", label);
  label();

  /* The state under the pointer, for figures with the common axis of time. */
  var data = JSON.parse(document.getElementById("data").textContent);

  /* The last cell that begins at or before x. */
  function find(x) {
    var low = 0, high = data.cells.length - 1;
    while (low < high) {
      var middle = (low + high + 1) >> 1;
      if (data.cells[middle][0] <= x) { low = middle; } else { high = middle - 1; }
    }
    return data.cells[low];
  }

  function describe(cell) {
    var lines = [cell[1]];
    var open = cell[cell.length - 1];
    if (open.length > 0) {
      lines.push("open: " + open.map(function (i) { return data.devices[i]; }).join(", "));
    }
    data.sections.forEach(function (name, i) {
      var low = cell[2 + 3 * i], high = cell[3 + 3 * i], locks = cell[4 + 3 * i];
      var pages = low === high ? low : low + "\u2013" + high;
      if (high > 0 || locks > 0) {
        lines.push(name + ": " + pages + (high === 1 ? " page" : " pages") +
                   (locks > 0 ? ", locked " + locks + "\u00d7" : ""));
      }
    });
    return lines.join("\n");
  }

  document.querySelectorAll("svg[data-figure]").forEach(function (svg) {
    if (svg.dataset.figure === "memory" || data.cells.length === 0) { return; }
    var box = svg.parentNode;
    var cursor = document.createElement("div");
    var readout = document.createElement("div");
    cursor.className = "cursor";
    readout.className = "readout";
    cursor.hidden = readout.hidden = true;
    box.append(cursor, readout);

    svg.addEventListener("pointermove", function (event) {
      var area = svg.getBoundingClientRect();
      var scale = area.width / data.all;
      var x = (event.clientX - area.left) / scale - data.left;
      cursor.hidden = readout.hidden = x < 0 || x >= data.width;
      if (cursor.hidden) { return; }
      readout.textContent = describe(find(x));
      cursor.style.left = (event.clientX - area.left) + "px";
      cursor.style.top = "0";
      cursor.style.height = area.height + "px";
      var left = event.clientX - area.left + 14;
      if (left + readout.offsetWidth > area.width) { left -= readout.offsetWidth + 28; }
      readout.style.left = Math.max(0, left) + "px";
      readout.style.top = Math.min(event.clientY - area.top + 12,
                                   Math.max(0, area.height - readout.offsetHeight)) + "px";
    });
    svg.addEventListener("pointerleave", function () {
      cursor.hidden = readout.hidden = true;
    });
  });
})();
