import { globSync, readFileSync } from 'node:fs';

const folder = new URL('./', import.meta.url);
const files = globSync('*/*.lua', { cwd: folder });

/** The texts of the Lua files by their names, as `messages/enqueue`. The build replaces this module by one that holds the texts. */
export const scriptTexts: Readonly<Record<string, string>> = Object.fromEntries(
  files.map((file) => [file.replaceAll('\\', '/').replace(/\.lua$/, ''), readFileSync(new URL(file, folder), 'utf8')]),
);
