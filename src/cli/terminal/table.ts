/** Numbers, and texts given as `{ number }`, are aligned to the right. */
type Cell = string | number | null | { number: string };

/** Aligns rows in columns. The first row is the header. */
export function textTable(rows: readonly (readonly Cell[])[]): string {
  const texts = rows.map((row) => row.map((cell) => onOneLine(textOf(cell))));
  const widths = (texts[0] ?? []).map((_cell, column) => Math.max(...texts.map((row) => row[column]?.length ?? 0)));
  return texts
    .map((row, index) =>
      row
        .map((text, column) => {
          const width = widths[column] ?? 0;
          return isNumber(rows[index]?.[column]) ? text.padStart(width) : text.padEnd(width);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** A table of names and facts, one per row; facts that are `null` are left out. */
export function factTable(facts: Readonly<Record<string, string | number | null>>): string {
  return textTable(Object.entries(facts).flatMap(([name, fact]) => (fact === null ? [] : [[name, String(fact)]])));
}

function textOf(cell: Cell): string {
  return typeof cell === 'object' && cell !== null ? cell.number : String(cell ?? '–');
}

function isNumber(cell: Cell | undefined): boolean {
  return typeof cell === 'number' || (typeof cell === 'object' && cell !== null);
}

function onOneLine(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ');
}
