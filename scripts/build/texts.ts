import { writeFileSync } from 'node:fs';

/** Modules that read files, by their place in `src` without the ending. */
const MODULES = [
  'shared/version',
  'shared/lanes/script-texts',
  'console/http/asset-texts',
  'console/queues/board-version',
];

/** Replaces these modules by ones that hold what they have read, for programs that are moved away from their files. */
export async function embedTexts(): Promise<void> {
  for (const name of MODULES) {
    const values = (await import(`../../src/${name}.ts`)) as Record<string, unknown>;
    const lines = Object.entries(values).map(
      ([key, value]) => `export const ${key} = ${JSON.stringify(value, null, 2)};\n`,
    );
    writeFileSync(`dist/${name}.js`, lines.join(''));
  }
}
