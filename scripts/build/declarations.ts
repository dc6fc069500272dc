import { globSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { SPECIFIER } from './entries.ts';

/** Keeps the declarations that users of these entries need. */
export function keepDeclarationsOf(entries: readonly string[]): void {
  const needed = new Set(entries.map(declarationOf));
  for (const file of needed) {
    const declarations = readFileSync(file, 'utf8');
    // The compiler rewrites `./x.ts` to `./x.js` in the code that it emits, but not in the declarations.
    const mended = declarations.replaceAll(SPECIFIER, (_, before: string, path: string) => {
      if (path.startsWith('.')) needed.add(declarationOf(join(dirname(file), path)));
      return before + path.replace(/\.ts$/, '.js');
    });
    writeFileSync(file, mended);
  }
  for (const file of globSync('dist/**/*.d.ts')) if (!needed.has(file)) rmSync(file);
}

function declarationOf(file: string): string {
  return file.replace(/\.[jt]s$/, '.d.ts');
}
