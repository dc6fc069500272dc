import { readFileSync } from 'node:fs';

import { type DocumentedName, type EntryNames, readEntries } from './api-reference.ts';
import { GENERATED } from './generated.ts';

interface Entry {
  /** The import specifier, such as `kitechat-sender/worker`. */
  specifier: string;
  /** The source file, relative to the root of the project. */
  file: string;
}

/** The entries that package.json publishes. */
export function packageEntries(root: URL): Entry[] {
  const { name, exports } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
    name: string;
    exports: Record<string, string | { default: { types: string } }>;
  };
  return Object.entries(exports).flatMap(([path, target]) => {
    if (typeof target === 'string') return [];
    const file = target.default.types.replace('./dist/', 'src/').replace(/\.d\.ts$/, '.ts');
    return [{ specifier: path.replace(/^\./, name), file }];
  });
}

/** The text of docs/api.md. */
export function apiPage(root: URL): string {
  const entries = packageEntries(root);
  const names = readEntries(
    root,
    entries.map(({ file }) => file),
  );
  const shown = new Map<string, string>();
  const sections = entries.map((entry, index) => section(entry, names[index] ?? { exported: [], unnamed: [] }, shown));
  return [INTRO, contents(entries, names), ...sections].join('\n');
}

const INTRO = `${GENERATED}

# API reference

Every name that the package exports, as the compiler sees it. Settings are explained in [configuration](configuration.md), errors in
[errors](errors.md). The types need \`@types/node\`, or \`dom\` in \`lib\`.
`;

function contents(entries: readonly Entry[], names: readonly EntryNames[]): string {
  const rows = entries.map(({ specifier }, index) => {
    const links = (names[index]?.exported ?? []).map(({ name }) => `[\`${name}\`](#${name.toLowerCase()})`);
    return `| \`${specifier}\` | ${links.join(' · ')} |`;
  });
  return ['| import from | |', '|---|---|', ...rows, ''].join('\n');
}

function section({ specifier }: Entry, { exported, unnamed }: EntryNames, shown: Map<string, string>): string {
  const parts = [`## ${specifier}\n`];
  for (const kind of ['function', 'class', 'type'] as const) {
    for (const documented of exported.filter((name) => name.kind === kind)) {
      parts.push(shown.has(documented.name) ? reference(documented, shown) : described(documented));
      if (!shown.has(documented.name)) shown.set(documented.name, specifier);
    }
  }
  const news = unnamed.filter(({ name }) => !shown.has(name));
  for (const { name } of news) shown.set(name, specifier);
  if (news.length > 0) {
    parts.push(
      `The declarations above use these types, which the package does not export:\n\n\`\`\`typescript\n${news.map(withComment).join('\n\n')}\n\`\`\`\n`,
    );
  }
  return parts.join('\n');
}

function reference({ name }: DocumentedName, shown: ReadonlyMap<string, string>): string {
  return `\`${name}\` is the same as in \`${shown.get(name) ?? ''}\`: [above](#${name.toLowerCase()}).\n`;
}

function described({ name, summary, tags, declaration }: DocumentedName): string {
  const examples = tags.filter((tag) => tag.name === 'example');
  const others = tags.filter((tag) => tag.name !== 'example');
  return [
    `### ${name}`,
    ...(summary === '' ? [] : [escapeTags(summary)]),
    ...(others.length === 0 ? [] : [others.map(tagLine).join('\n')]),
    `\`\`\`typescript\n${declaration}\n\`\`\``,
    ...examples.map(({ text }) => `For example:\n\n\`\`\`typescript\n${text}\n\`\`\``),
    '',
  ].join('\n\n');
}

function withComment({ summary, declaration }: DocumentedName): string {
  return summary === '' ? declaration : `/** ${summary.replaceAll(/\s+/g, ' ')} */\n${declaration}`;
}

/** The item of a list for one tag, such as `@param options what it is`. */
function tagLine({ name, text }: { name: string; text: string }): string {
  const flat = text.replaceAll(/\s+/g, ' ').trim();
  if (name !== 'param') return `- *${name}*: ${escapeTags(flat)}`;
  const [, parameter = '', rest = ''] = /^(\S+)\s*(.*)$/.exec(flat) ?? [];
  return `- \`${parameter}\`: ${escapeTags(rest)}`;
}

/** Escapes `<` outside of code, where it would begin a tag. */
function escapeTags(text: string): string {
  return text
    .split(/(`[^`]*`)/)
    .map((part) => (part.startsWith('`') ? part : part.replaceAll('<', '&lt;')))
    .join('');
}
