/**
 * Writes the table of the environment variables into README.md, between its two markers.
 *
 *   node scripts/readme-config.ts           writes it
 *   node scripts/readme-config.ts --check   exits 1 if README.md has another one
 */
import { readFileSync, writeFileSync } from 'node:fs';

import { variables } from '../src/shared/config/variables.ts';

const START = '<!-- config:start -->';
const END = '<!-- config:end -->';

/** The table of the variables in Markdown. */
export function configTable(): string {
  const rows = variables.map(({ name, fileName, description, default: value }) => {
    const names = fileName === undefined ? `\`${name}\`` : `\`${name}\`, \`_FILE\``;
    return `| ${names} | ${value === undefined ? '' : `\`${value}\``} | ${description} |`;
  });
  return ['| variable | default | |', '|---|---|---|', ...rows].join('\n');
}

/** The README with the current table. */
export function withConfigTable(readme: string): string {
  const start = readme.indexOf(START);
  const end = readme.indexOf(END);
  if (start === -1 || end < start) throw new Error(`README.md needs the lines ${START} and ${END}, in this order.`);
  return `${readme.slice(0, start)}${START}\n${configTable()}\n${readme.slice(end)}`;
}

function main(args: readonly string[]): void {
  const path = new URL('../README.md', import.meta.url);
  const readme = readFileSync(path, 'utf8');
  const wanted = withConfigTable(readme);
  if (!args.includes('--check')) writeFileSync(path, wanted);
  else if (readme !== wanted) {
    console.error('The environment table of README.md is not current: run node scripts/readme-config.ts');
    process.exitCode = 1;
  }
}

if (import.meta.main) main(process.argv.slice(2));
