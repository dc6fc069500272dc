/** Builds the published package: `src` compiled to `dist`, which reads no file at run time and brings along what only workers need. */
import { rmSync } from 'node:fs';
import { copyToCommonJs } from './build/common-js.ts';
import { compile } from './build/compile.ts';
import { keepDeclarationsOf } from './build/declarations.ts';
import { entries } from './build/entries.ts';
import { joinModules } from './build/join.ts';
import { compileLibraries } from './build/libraries.ts';
import { writeLicenses } from './build/licenses.ts';
import { embedTexts } from './build/texts.ts';

rmSync('dist', { recursive: true, force: true });
if (compile()) {
  await embedTexts();
  const libraries = await compileLibraries();
  keepDeclarationsOf(entries);
  await copyToCommonJs(entries);
  const joined = await joinModules([...entries, 'dist/cli/main.js']);
  writeLicenses([...libraries, joined]);
} else {
  process.exitCode = 1;
}
