/* SPDX-License-Identifier: MIT */
/*
 * The page: one file that needs nothing else, reads without script, and forbids itself the network.
 */
#include "report/page.h"

#include <inttypes.h>

#include "base/host.h"

const char *page_string(const json_t *object, const char *key, const char *missing)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : missing;
}

static void driver_names(FILE *out, const struct picture *picture)
{
    const json_t *drivers = json_object_get(picture->header, "drivers");
    const json_t *driver;
    size_t i;

    json_array_foreach(drivers, i, driver)
    {
        fputs(i > 0 ? ", " : "", out);
        markup_text(out, json_is_string(driver) ? json_string_value(driver) : "");
    }
}

static void head(FILE *out, const struct picture *picture)
{
    fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
          "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
          "<meta name=\"color-scheme\" content=\"light dark\">\n"
          "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src "
          "'unsafe-inline'; script-src 'unsafe-inline'\">\n<title>",
          out);
    driver_names(out, picture);
    fprintf(out, " - pagable</title>\n<style>\n%s%s</style>\n</head>\n", asset_figure_css,
            asset_page_css);
}

static void about(FILE *out, const struct picture *picture)
{
    const json_t *header = picture->header;
    json_int_t frames = json_integer_value(json_object_get(header, "frames"));
    char time[48];

    fputs("<body>\n<header><div><h1>", out);
    driver_names(out, picture);
    fprintf(out, "</h1>\n<p class=\"about\">seed %" JSON_INTEGER_FORMAT " \xc2\xb7 scenario ",
            json_integer_value(json_object_get(header, "seed")));
    markup_text(out, page_string(header, "scenario", "by default"));
    fputs(" \xc2\xb7 trims ", out);
    markup_text(out, page_string(header, "trim", "?"));
    if (frames > 0) {
        fprintf(out, " \xc2\xb7 %" JSON_INTEGER_FORMAT " frames", frames);
    }
    fprintf(out, " \xc2\xb7 %s of virtual time \xc2\xb7 ",
            picture_time(time, sizeof time, picture->end));
    markup_text(out, page_string(header, "pagable", "pagable"));
    fputs(
        "</p></div>\n<button type=\"button\" id=\"theme\" hidden>dark</button></header>\n<main>\n",
        out);
}

struct part {
    const char *id, *title, *caption;
};

static void begin_figure(FILE *out, const struct part *part)
{
    fprintf(
        out,
        "<h2 id=\"%s-heading\">%s</h2>\n<figure aria-labelledby=\"%s-heading\">\n"
        "<figcaption>%s</figcaption>\n"
        "<div class=\"scroll\" tabindex=\"0\" role=\"region\" aria-labelledby=\"%s-heading\">\n",
        part->id, part->title, part->id, part->caption, part->id);
}

static void end_figure(FILE *out)
{
    fputs("</div>\n</figure>\n", out);
}

/* The tables that stand for a figure are below it. */
static pg_status draw_figures(FILE *out, const struct plot *plot)
{
    static const struct part timeline = {
        "when", "When each section was in memory",
        "Heights are pages, on one scale. The axis keeps the order of virtual time but not its "
        "scale: stretches are as wide as what happened in them, and long idle times are cut."};
    static const struct part locks = {"lock-counts", "Lock counts",
                                      "Locks are counted for each section. It must stay in memory "
                                      "while its count is above zero."};
    static const struct part pages = {
        "heat", "Pages",
        "One line for each page of the sections that can leave. Orange: it was out when it was "
        "touched, and had to be fetched."};
    static const struct part memory = {
        "saved", "Memory, against everything resident",
        "The same driver without pageable sections would keep everything but INIT in memory."};
    const struct picture *picture = plot->picture;
    pg_status status;

    begin_figure(out, &timeline);
    status = figure_timeline(out, plot, false);
    end_figure(out);
    page_marks(out, picture);
    page_moments(out, plot);
    if (status == PG_OK && figure_locks_any(picture)) {
        begin_figure(out, &locks);
        status = figure_locks(out, plot);
        end_figure(out);
        page_sites(out, picture);
    }
    if (status == PG_OK && figure_pages_any(picture)) {
        begin_figure(out, &pages);
        status = figure_pages(out, plot);
        end_figure(out);
    }
    if (status == PG_OK && picture->module_count > 0) {
        begin_figure(out, &memory);
        status = figure_memory(out, picture);
        end_figure(out);
        page_categories(out, picture);
    }
    return status;
}

pg_status picture_html(FILE *out, const struct picture *picture)
{
    struct plot *plot = host.allocate(sizeof *plot);
    pg_status status;

    if (plot == NULL) {
        return PG_E_NO_MEMORY;
    }
    plot_make(plot, picture, FIGURE_PLOT);
    head(out, picture);
    about(out, picture);
    page_result(out, picture);
    status = draw_figures(out, plot);
    page_sections(out, picture);
    page_counters(out, picture);
    fputs("</main>\n<footer>All times are virtual: they begin when the computer starts and are the "
          "same in every run with this seed. One page is 4,096 bytes.</footer>\n",
          out);
    page_data(out, plot);
    fprintf(out, "<script>\n%s</script>\n</body>\n</html>\n", asset_page_js);
    host.release(plot);
    if (status == PG_OK && (fflush(out) != 0 || ferror(out))) {
        status = PG_E_IO;
    }
    return status;
}

pg_status picture_figure(FILE *out, const struct picture *picture)
{
    struct plot *plot = host.allocate(sizeof *plot);
    pg_status status;

    if (plot == NULL) {
        return PG_E_NO_MEMORY;
    }
    plot_make(plot, picture, FIGURE_PLOT);
    status = figure_timeline(out, plot, true);
    host.release(plot);
    if (status == PG_OK && (fflush(out) != 0 || ferror(out))) {
        status = PG_E_IO;
    }
    return status;
}
