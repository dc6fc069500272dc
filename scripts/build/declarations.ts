import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A declaration file, of which only what users need is kept. */
interface Declarations {
  statements: Statement[];
  /** What the names of imports stand for. */
  imported: Map<string, Imported>;
}

interface Statement {
  text: string;
  /** The names that it declares for the file. */
  names: string[];
  kept: boolean;
}

interface Imported {
  from: string;
  /** The name there, or `*`. */
  name: string;
  kept: boolean;
}

const STATEMENT = /^(?=\/\*\*|\/\/\/ |import |export |declare |interface |type )/m;
const DECLARED = /^(?:export )?(?:declare )?(?:abstract )?(?:interface|type|class|function|const) (\w+)/m;
const LIST = /^(?:import|export)(?: type)? (?:(\{[^}]*\})|\* as (\w+)) from '([^']+)';/;
/** References, and what TypeScript writes into a module that exports nothing else. */
const IGNORED = /^(?:\/\/\/ |export \{\};|\s*$)/;
const INLINE_IMPORT = /\bimport\('(\.[^']+)'\)\.(\w+)/g;

/**
 * Keeps the declarations that users of these entries need: those of internal functions speak of packages that users don't install, and of
 * types of Node.js that their programs may not know.
 */
export function keepDeclarationsOf(entries: readonly string[]): void {
  const files = new Map<string, Declarations>();
  const open = (file: string): Declarations => {
    const known = files.get(file) ?? read(file);
    files.set(file, known);
    return known;
  };

  const keep = (file: string, statement: Statement): void => {
    if (statement.kept) return;
    statement.kept = true;
    const list = LIST.exec(statement.text);
    if (list) {
      for (const { name } of namesIn(list[1])) keepName(fileAt(file, list[3]), name);
      return;
    }
    for (const [, from, name] of statement.text.matchAll(INLINE_IMPORT)) keepName(fileAt(file, from), name ?? '');
    for (const name of wordsOf(statement.text)) keepName(file, name);
  };

  const keepName = (file: string, name: string): void => {
    const { statements, imported } = open(file);
    for (const statement of statements) if (statement.names.includes(name)) keep(file, statement);
    const origin = imported.get(name);
    if (!origin || origin.kept) return;
    origin.kept = true;
    if (origin.from.startsWith('.')) keepName(fileAt(file, origin.from), origin.name);
  };

  for (const entry of entries) {
    const file = declarationOf(entry);
    for (const statement of open(file).statements) keep(file, statement);
  }
  for (const file of globSync('dist/**/*.d.ts')) if (!files.has(file)) rmSync(file);
  for (const [file, declarations] of files) writeFileSync(file, write(declarations));
}

function read(file: string): Declarations {
  const imported = new Map<string, Imported>();
  const statements: Statement[] = [];
  let comment = '';
  for (const text of readFileSync(file, 'utf8').split(STATEMENT)) {
    if (text.startsWith('/**')) {
      comment += text;
      continue;
    }
    const [, list, all, from = ''] = LIST.exec(text) ?? [];
    if (text.startsWith('import ')) {
      if (all !== undefined) imported.set(all, { from, name: '*', kept: false });
      for (const { name, as } of namesIn(list)) imported.set(as, { from, name, kept: false });
    } else {
      const [, declared] = DECLARED.exec(text) ?? [];
      if (declared === undefined && list === undefined && !IGNORED.test(text)) {
        throw new Error(`${file}: it is not known whether users need this declaration: ${text}`);
      }
      const names = declared === undefined ? namesIn(list).map(({ as }) => as) : [declared];
      statements.push({ text: comment + text, names, kept: text.startsWith('///') });
    }
    comment = '';
  }
  return { statements, imported };
}

/** The names of `{ a, type b as c }`. */
function namesIn(list = ''): { name: string; as: string }[] {
  return [...list.matchAll(/(?:type )?(\w+)(?: as (\w+))?\s*[,}]/g)].map(([, name = '', as = name]) => ({ name, as }));
}

function wordsOf(text: string): Set<string> {
  const code = text.replaceAll(/\/\*[\s\S]*?\*\//g, '').replaceAll(/'[^'\n]*'|"[^"\n]*"/g, '');
  return new Set(code.match(/\b\w+\b/g));
}

function write({ statements, imported }: Declarations): string {
  const imports = [...imported].flatMap(([as, { from, name, kept }]) => {
    if (!kept) return [];
    const names = name === '*' ? `* as ${as}` : `{ ${name === as ? name : `${name} as ${as}`} }`;
    return [`import type ${names} from '${from}';\n`];
  });
  const kept = statements.flatMap((statement) => (statement.kept ? [statement.text] : []));
  const isReference = (text: string): boolean => text.startsWith('///');
  const text = [...kept.filter(isReference), ...imports, ...kept.filter((one) => !isReference(one))].join('');
  // The compiler rewrites `./x.ts` to `./x.js` in the code that it emits, but not in the declarations.
  return text.replaceAll(/(\b(?:from |import\()'\.{1,2}\/[^']+)\.ts(?=')/g, '$1.js');
}

function fileAt(file: string, specifier = ''): string {
  return declarationOf(join(dirname(file), specifier));
}

function declarationOf(file: string): string {
  return file.replace(/\.[jt]s$/, '.d.ts');
}
