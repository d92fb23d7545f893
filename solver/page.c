#include "page.h"

#include "escape.h"

#include <inttypes.h>
#include <stdarg.h>
#include <string.h>

#define TEXT_SIZE 2048 /* bytes of one paragraph or cell; longer ones are cut */
#define LONG      48   /* bytes of a cell that may be broken into lines, from there on */

static const char style[] =
	":root{color-scheme:light dark;--ground:#fff;--text:#1d2129;--dim:#5b6472;--edge:#d5d9e0;--box:#f5f6f8;"
	"--good:#1a7f37;--fair:#8a5a00;--bad:#b42318;--bar:#3d7ea6;--most:#c3d7e3}\n"
	"@media(prefers-color-scheme:dark){:root{--ground:#16181d;--text:#e6e8ec;--dim:#a1a9b6;--edge:#3a404b;"
	"--box:#1f2229;--good:#57c26f;--fair:#e3b341;--bad:#ff7b72;--bar:#5aa6d3;--most:#2d4657}}\n"
	"*{box-sizing:border-box}\n"
	"body{margin:0;background:var(--ground);color:var(--text);font:15px/1.5 system-ui,sans-serif}\n"
	"main{max-width:76rem;margin:0 auto;padding:1rem 1.25rem 3rem}\n"
	"h1{font-size:1.6rem;line-height:1.25;margin:.5rem 0 0;overflow-wrap:anywhere}\n"
	"h2{font-size:1.2rem;margin:2.2rem 0 .6rem;padding-top:.8rem;border-top:1px solid var(--edge)}\n"
	"p{margin:.5rem 0;max-width:60rem;overflow-wrap:anywhere}.dim{color:var(--dim)}\n"
	"nav{margin:.8rem 0;display:flex;flex-wrap:wrap;gap:.2rem 1rem}a{color:inherit}\n"
	"dl{display:grid;grid-template-columns:max-content 1fr;gap:.4rem 1.2rem;margin:1rem 0;padding:1rem;"
	"background:var(--box);border:1px solid var(--edge);border-radius:.5rem}\n"
	"dt{font-weight:600}dd{margin:0;overflow-wrap:anywhere}\n"
	"@media(max-width:40rem){dl{grid-template-columns:1fr;gap:.1rem}dd{margin-bottom:.6rem}}\n"
	".good{color:var(--good)}.fair{color:var(--fair)}.bad{color:var(--bad)}\n"
	".wide{overflow-x:auto;margin:.8rem 0}\n"
	"table{border-collapse:collapse;font-size:.87rem;min-width:100%}\n"
	"th,td{padding:.28rem .55rem;text-align:left;vertical-align:top;border-bottom:1px solid var(--edge)}\n"
	"th{color:var(--dim);font-weight:600;vertical-align:bottom}\n"
	"td{overflow-wrap:anywhere;min-width:7rem}.l{min-width:11rem;max-width:30rem}\n"
	".n{text-align:right;font-variant-numeric:tabular-nums}td.n{white-space:nowrap;min-width:0}\n"
	"pre{overflow-x:auto;background:var(--box);border:1px solid var(--edge);border-radius:.5rem;padding:.7rem;"
	"font:.85rem/1.45 ui-monospace,'DejaVu Sans Mono',monospace}\n"
	".bar{position:relative;width:10rem;height:.8rem;margin-top:.25rem;background:var(--box);"
	"border:1px solid var(--edge)}.bar i{position:absolute;left:0;top:0;bottom:0}\n"
	".bar .most{background:var(--most)}.bar .filled{background:var(--bar)}\n"
	".paper{background:#fff;border:1px solid var(--edge);border-radius:.5rem;padding:.5rem;"
	"max-height:50rem;overflow:auto}\n"
	"svg{display:block;max-width:none}\n";

void stingy_page_begin(FILE *out, const char *title, const char *subtitle)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
	      out);
	stingy_escape_html(out, title);
	fprintf(out, "</title>\n<style>\n%s</style>\n</head>\n<body>\n<main>\n<h1>", style);
	stingy_escape_html(out, title);
	fputs("</h1>\n<p class=\"dim\">", out);
	stingy_escape_html(out, subtitle);
	fputs("</p>\n", out);
}

void stingy_page_end(FILE *out)
{
	fputs("</main>\n</body>\n</html>\n", out);
}

void stingy_page_section(FILE *out, const char *id, const char *heading)
{
	fprintf(out, "<section id=\"%s\">\n<h2>", id);
	stingy_escape_html(out, heading);
	fputs("</h2>\n", out);
}

void stingy_page_section_end(FILE *out)
{
	fputs("</section>\n", out);
}

static void print_escaped(FILE *out, const char *format, va_list arguments)
{
	char text[TEXT_SIZE];

	vsnprintf(text, sizeof(text), format, arguments);
	stingy_escape_html(out, text);
}

void stingy_page_text(FILE *out, const char *format, ...)
{
	va_list arguments;

	fputs("<p>", out);
	va_start(arguments, format);
	print_escaped(out, format, arguments);
	va_end(arguments);
	fputs("</p>\n", out);
}

/* Line by line, as an end of line is a control character to the escaping. */
void stingy_page_code(FILE *out, const char *text)
{
	char line[TEXT_SIZE];

	fputs("<pre>", out);
	while (*text) {
		size_t len = strcspn(text, "\n");

		snprintf(line, sizeof(line), "%.*s", (int)len, text);
		stingy_escape_html(out, line);
		text += len;
		if (*text) {
			putc('\n', out);
			text++;
		}
	}
	fputs("</pre>\n", out);
}

void stingy_page_answers_begin(FILE *out)
{
	fputs("<dl>\n", out);
}

void stingy_page_answer(FILE *out, const char *question, const char *mood, const char *answer)
{
	fputs("<dt>", out);
	stingy_escape_html(out, question);
	fprintf(out, "</dt><dd class=\"%s\">", mood);
	stingy_escape_html(out, answer);
	fputs("</dd>\n", out);
}

void stingy_page_answers_end(FILE *out)
{
	fputs("</dl>\n", out);
}

void stingy_page_table_begin(FILE *out, const char *const *headings)
{
	fputs("<div class=\"wide\"><table>\n<thead><tr>", out);
	for (; *headings; headings++) {
		fputs(**headings == '#' ? "<th class=\"n\">" : "<th>", out);
		stingy_escape_html(out, *headings + (**headings == '#'));
		fputs("</th>", out);
	}
	fputs("</tr></thead>\n<tbody>\n", out);
}

void stingy_page_table_end(FILE *out)
{
	fputs("</tbody></table></div>\n", out);
}

void stingy_page_row_begin(FILE *out)
{
	fputs("<tr>", out);
}

void stingy_page_row_end(FILE *out)
{
	fputs("</tr>\n", out);
}

void stingy_page_cell(FILE *out, const char *text)
{
	fputs(strlen(text) > LONG ? "<td class=\"l\">" : "<td>", out);
	stingy_escape_html(out, text);
	fputs("</td>", out);
}

const char *stingy_page_thousands(uint64_t number, char *text)
{
	char digits[32];
	int len = snprintf(digits, sizeof(digits), "%" PRIu64, number);
	char *to = text;

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*to++ = ',';
		*to++ = digits[i];
	}
	*to = '\0';
	return text;
}

void stingy_page_number(FILE *out, uint64_t number)
{
	char text[32];

	fprintf(out, "<td class=\"n\">%s</td>", stingy_page_thousands(number, text));
}

void stingy_page_figure(FILE *out, const char *format, ...)
{
	va_list arguments;

	fputs("<td class=\"n\">", out);
	va_start(arguments, format);
	print_escaped(out, format, arguments);
	va_end(arguments);
	fputs("</td>", out);
}

static double within(double percent)
{
	return percent < 0 ? 0 : percent > 100 ? 100 : percent;
}

void stingy_page_bar(FILE *out, double filled, double most)
{
	fprintf(out,
		"<td><div class=\"bar\" title=\"%.0f%% in use, at most %.0f%%\"><i class=\"most\" "
		"style=\"width:%.1f%%\"></i>"
		"<i class=\"filled\" style=\"width:%.1f%%\"></i></div></td>",
		filled, most, within(most), within(filled));
}

void stingy_page_picture_begin(FILE *out, int paper)
{
	fprintf(out, "<div class=\"wide%s\">\n", paper ? " paper" : "");
}

void stingy_page_picture_end(FILE *out)
{
	fputs("</div>\n", out);
}
