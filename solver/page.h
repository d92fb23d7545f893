/*
 * A page of HTML, piece by piece: whole in itself (no script, nothing from elsewhere), light or dark as its reader
 * prefers, readable on a narrow screen: what is wide scrolls within its own box.
 *
 * All text is escaped here (escape.h); only pictures are put in as they are. Errors are the stream's.
 */
#ifndef STINGY_PAGE_H
#define STINGY_PAGE_H

#include <stdint.h>
#include <stdio.h>

void stingy_page_begin(FILE *out, const char *title, const char *subtitle);
void stingy_page_end(FILE *out);

/* A part of the page, until the next one begins. id: a word, for links. */
void stingy_page_section(FILE *out, const char *id, const char *heading);
void stingy_page_section_end(FILE *out);

/* A paragraph. */
__attribute__((format(printf, 2, 3))) void stingy_page_text(FILE *out, const char *format, ...);

/* A line, or lines, to be typed as they are. */
void stingy_page_code(FILE *out, const char *text);

/* A question, and its answer with the colour of a mood: "good", "fair" or "bad". */
void stingy_page_answers_begin(FILE *out);
void stingy_page_answer(FILE *out, const char *question, const char *mood, const char *answer);
void stingy_page_answers_end(FILE *out);

/*
 * A table. headings: NULL at the end; those that begin with '#' are of columns of numbers, and shown without it. Cells
 * follow in rows, from the left to the right.
 */
void stingy_page_table_begin(FILE *out, const char *const *headings);
void stingy_page_table_end(FILE *out);
void stingy_page_row_begin(FILE *out);
void stingy_page_row_end(FILE *out);
void stingy_page_cell(FILE *out, const char *text);
void stingy_page_number(FILE *out, uint64_t number); /* thousands apart */
__attribute__((format(printf, 2, 3))) void stingy_page_figure(FILE *out, const char *format, ...);

/* A cell with a bar: so much of it is filled, and so much more was at most; in per cent. */
void stingy_page_bar(FILE *out, double filled, double most);

/* A box for a picture. paper: it is drawn for a light ground, whatever the reader prefers. */
void stingy_page_picture_begin(FILE *out, int paper);
void stingy_page_picture_end(FILE *out);

/* A number with its thousands apart, in text[32]. Returns text. */
const char *stingy_page_thousands(uint64_t number, char *text);

#endif
