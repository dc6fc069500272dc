/** Aligns rows in columns, numbers to the right. The first row is the head. */
export function table(rows: readonly (readonly (string | number | null)[])[]): string {
  const texts = rows.map((row) => row.map((cell) => printable(String(cell ?? '–'))));
  const widths = (texts[0] ?? []).map((_cell, column) => Math.max(...texts.map((row) => row[column]?.length ?? 0)));
  return texts
    .map((row, index) =>
      row
        .map((text, column) => {
          const width = widths[column] ?? 0;
          return index > 0 && typeof rows[index]?.[column] === 'number' ? text.padStart(width) : text.padEnd(width);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** What others wrote must not move the cursor or colour the terminal. */
function printable(text: string): string {
  return text.replaceAll(/\p{Cc}/gu, ' ');
}
