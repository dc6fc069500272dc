import { globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { transform } from 'esbuild';
import { partsOf } from './entries.ts';

const FOLDER = 'dist/cjs';

/** Tests replace single functions of a CommonJS module, as `jest.spyOn` does. */
const REPLACEABLE = `
module.exports = Object.defineProperty({ ...module.exports }, '__esModule', { value: true });
`;

/** Writes a copy for loaders whose `require` takes no ES modules, as that of Jest. */
export async function copyToCommonJs(entries: readonly string[]): Promise<void> {
  const { files } = await partsOf(entries);
  for (const file of files) {
    const { code } = await transform(readFileSync(file, 'utf8'), {
      format: 'cjs',
      platform: 'node',
      target: 'node22',
      // Such a loader may have no `import()` either.
      supported: { 'dynamic-import': false },
    });
    const program = code.replaceAll(/(["'])((?:\.\.\/)+libraries\/)/g, '$1../$2');
    write(file, entries.includes(file) ? program + REPLACEABLE : program);
  }
  for (const file of globSync('dist/**/*.d.ts')) write(file, readFileSync(file, 'utf8'));
  write('dist/package.json', JSON.stringify({ type: 'commonjs' }));
}

function write(original: string, text: string): void {
  const copy = join(FOLDER, relative('dist', original));
  mkdirSync(dirname(copy), { recursive: true });
  writeFileSync(copy, text);
}
