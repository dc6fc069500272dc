type Cell = string | number | null;

/** Aligns rows in columns, numbers to the right. The first row is the head. */
export function table(rows: readonly (readonly Cell[])[]): string {
  const texts = rows.map((row) => row.map((cell) => onOneLine(String(cell ?? '–'))));
  const widths = (texts[0] ?? []).map((_cell, column) => Math.max(...texts.map((row) => row[column]?.length ?? 0)));
  return texts
    .map((row, index) =>
      row
        .map((text, column) => {
          const width = widths[column] ?? 0;
          return typeof rows[index]?.[column] === 'number' ? text.padStart(width) : text.padEnd(width);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** One fact a row, its name before it; those that are `null` are left out. */
export function factTable(facts: Readonly<Record<string, Cell>>): string {
  return table(Object.entries(facts).flatMap(([name, fact]) => (fact === null ? [] : [[name, String(fact)]])));
}

function onOneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ');
}
