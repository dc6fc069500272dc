import { existsSync, readFileSync } from 'node:fs';

import type { Command } from 'commander';

import type { Page } from './markdown.ts';

/** The names that commands in the docs may use. */
export interface Known {
  program: Command;
  npmScripts: ReadonlySet<string>;
  /** Programs of third parties, whose arguments are not checked. */
  programs: ReadonlySet<string>;
  root: URL;
}

/** Errors for unknown commands in `sh` blocks, one line each. */
export function unknownCommands(pages: readonly Page[], known: Known): string[] {
  return pages.flatMap(({ path, blocks }) =>
    blocks
      .filter(({ language }) => language === 'sh')
      .flatMap(({ code, line }) =>
        commandsOf(code).flatMap((words) => {
          const problem = problemOf(words, known);
          return problem === null ? [] : [`${path}:${line}: ${words.join(' ')}: ${problem}`];
        }),
      ),
  );
}

/** Errors for names that look like our variables but don't exist, anywhere in the text. */
export function unknownVariables(pages: readonly Page[], variables: ReadonlySet<string>): string[] {
  return pages.flatMap(({ path, text }) =>
    Array.from(text.matchAll(/\bKITECHAT_[A-Z_]*[A-Z]\b/g), ([name]) => name)
      .filter((name) => !variables.has(name))
      .map((name) => `${path}: ${name} is no variable`),
  );
}

/** The single commands of a script, as words without quotes, comments and redirections. */
function commandsOf(code: string): string[][] {
  const commands: string[][] = [[]];
  const token =
    /\\\n|#.*|\n|&&|\|\||[|;&]|\d?>{1,2} *\S+|<{1,2} *\S+|((?:'[^']*'|"[^"]*"|\$\([^)]*\)|[^\s|;&'"<>#]|(?<=\S)#)+)|[ \t]+|./g;
  for (const [text, word] of code.matchAll(token)) {
    if (word !== undefined) commands.at(-1)?.push(word.replaceAll(/['"]/g, ''));
    else if (/^(?:\n|&&|\|\||[|;&])$/.test(text)) commands.push([]);
  }
  return commands.map(withoutAssignments).filter((words) => words.length > 0);
}

function withoutAssignments(words: readonly string[]): string[] {
  const first = words.findIndex((word) => !/^\w+=/.test(word));
  return first === -1 ? [] : words.slice(first);
}

function problemOf([program = '', ...args]: readonly string[], known: Known): string | null {
  switch (program) {
    case 'kitechat-sender':
      return problemOfOurs(args, known.program);
    case 'npx':
      return args[0] === 'kitechat-sender' ? problemOfOurs(args.slice(1), known.program) : 'npx of what?';
    case 'npm':
      return problemOfNpm(args, known);
    case 'node':
      return problemOfNode(args, known);
    case 'sh':
      return problemOfFile(args[0] ?? '', known.root);
    case 'docker':
      return problemOfDocker(args, known.program);
    default:
      return known.programs.has(program) ? null : `no program that the check knows`;
  }
}

const NPM_COMMANDS = new Set('audit ci exec init install ls pack pkg publish test version'.split(' '));

function problemOfNpm(args: readonly string[], known: Known): string | null {
  const dashes = args.indexOf('--');
  const own = (dashes === -1 ? args : args.slice(0, dashes)).filter((word) => !word.startsWith('-'));
  const rest = dashes === -1 ? [] : args.slice(dashes + 1);
  const [command = '', script = ''] = own;
  if (command === 'exec' && rest[0] === 'node') return problemOfNode(rest.slice(1), known);
  const missing =
    command === 'test' ? rest.find((path) => path.includes('/') && !existsSync(new URL(path, known.root))) : undefined;
  if (missing !== undefined) return `there is no file ${missing}`;
  if (command !== 'run') return NPM_COMMANDS.has(command) ? null : 'no command of npm that the check knows';
  const folder = args.find((word) => word.startsWith('--prefix='))?.slice('--prefix='.length);
  const scripts = folder === undefined ? known.npmScripts : scriptsIn(folder, known.root);
  if (!scripts.has(script)) return `there is no npm script ${script}`;
  return script === 'kitechat-sender' ? problemOfOurs(rest, known.program) : null;
}

/** The npm scripts of an app in the repository. */
function scriptsIn(folder: string, root: URL): Set<string> {
  const file = new URL(`${folder}/package.json`, root);
  const { scripts } = JSON.parse(readFileSync(file, 'utf8')) as { scripts: Record<string, string> };
  return new Set(Object.keys(scripts));
}

/** A file that the reader has created earlier on the page. */
const OF_THE_READER = /^app\.m?[jt]s$/;

function problemOfNode(args: readonly string[], { program, root }: Known): string | null {
  const at = args.findIndex((word) => !word.startsWith('-'));
  const file = args[at];
  if (file === undefined || OF_THE_READER.test(file)) return null;
  if (file === 'dist/cli/main.js') return problemOfOurs(args.slice(at + 1), program);
  return problemOfFile(file, root);
}

function problemOfFile(file: string, root: URL): string | null {
  return existsSync(new URL(file, root)) ? null : `there is no file ${file}`;
}

/** Checks our command behind `docker compose run … worker`. */
function problemOfDocker(args: readonly string[], program: Command): string | null {
  const at = args.indexOf('worker');
  const isRun = args[0] === 'compose' && args.includes('run') && at !== -1;
  return isRun && at < args.length - 1 ? problemOfOurs(args.slice(at + 1), program) : null;
}

/** Checks the words against the command's own options and arguments. */
function problemOfOurs(args: readonly string[], program: Command): string | null {
  let command = program;
  let inCommand = true;
  for (let index = 0; index < args.length; index += 1) {
    const word = args[index] ?? '';
    if (word === '--help') continue;
    if (word.startsWith('--')) {
      const option = command.options.find(({ long }) => long === word.split('=')[0]);
      if (!option) return `${nameOf(command)} has no option ${word}`;
      inCommand = false;
      if (option.required && !word.includes('=')) index += 1;
      continue;
    }
    const found = inCommand ? command.commands.find((candidate) => candidate.name() === word) : undefined;
    if (found) command = found;
    else if (command.commands.length > 0) return `${nameOf(command)} has no command ${word}`;
    else if (command.registeredArguments.length === 0) return `${nameOf(command)} takes no ${word}`;
  }
  return command.commands.length > 0 && !args.includes('--help') ? `${nameOf(command)} needs a command` : null;
}

function nameOf(command: Command): string {
  return command.parent ? `${nameOf(command.parent)} ${command.name()}` : command.name();
}
