import type { Command } from 'commander';
import { variables } from '../../shared/config/variables.ts';
import { withUsageErrors } from './usage-errors.ts';
import { namesOf, type Uses } from './uses.ts';

const WIDTH = 100;

/** Adds the names of a command's variables to its help, and makes its errors point to them. */
export function withVariables(command: Command, used: Uses): Command {
  const names = variables.filter(({ key }) => used(key)).flatMap(namesOf);
  return withUsageErrors(command, used).addHelpText('after', `\nVariables:\n${inLines(names).join('\n')}`);
}

function inLines(names: readonly string[]): string[] {
  const lines = ['  '];
  for (const name of names) {
    if (`${lines.at(-1)}${name}`.length > WIDTH) lines.push('  ');
    lines[lines.length - 1] += `${name} `;
  }
  return lines.map((line) => line.trimEnd());
}
