/** Builds the published package: `src` compiled to `dist`, which reads no file at run time and brings along what only workers need. */
import { rmSync } from 'node:fs';
import { compile } from './build/compile.ts';
import { copyToCommonJs } from './build/common-js.ts';
import { keepDeclarationsOf } from './build/declarations.ts';
import { embedTexts } from './build/texts.ts';
import { compileLibrariesIn } from './build/libraries.ts';
import { entries } from './build/entries.ts';

rmSync('dist', { recursive: true, force: true });
if (compile()) {
  await embedTexts();
  await compileLibrariesIn(entries);
  keepDeclarationsOf(entries);
  await copyToCommonJs(entries);
} else {
  process.exitCode = 1;
}
