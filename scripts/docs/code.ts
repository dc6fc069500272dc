import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { packageEntries } from './api-page.ts';
import type { CodeBlock, Page } from './markdown.ts';

const AT_BLOCK = /^.*?(block-\d+\.mts)\((\d+),\d+\)/;
/** What is wrong with the sources themselves, or explains it: the check of the types says it, too. */
const OF_SOURCES = /^\S+\.ts\(\d+,\d+\)|^ /;

/** Blocks of `json` that are none, one line each. */
export function brokenJson(pages: readonly Page[]): string[] {
  return blocksOf(pages, 'json').flatMap(({ path, code, line }) => {
    try {
      JSON.parse(code);
      return [];
    } catch (error) {
      return [`${path}:${line}: ${String(error)}`];
    }
  });
}

/**
 * What the compiler says of the blocks of `ts`, one line each. They may use what a comment right above them declares
 * (`<!-- ts … -->`), so that readers don't have to read it.
 */
export function typeErrors(pages: readonly Page[], root: URL): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'docs-'));
  try {
    // So that packages are found as from the project itself.
    symlinkSync(fileURLToPath(new URL('node_modules', root)), join(folder, 'node_modules'), 'junction');
    const names = new Map<string, string>();
    for (const [index, block] of blocksOf(pages, 'ts').entries()) {
      const hidden = /^ts\b/.test(block.hidden) ? block.hidden.slice('ts'.length) : '';
      names.set(`block-${index}.mts`, `${block.path}:${block.line}`);
      writeFileSync(join(folder, `block-${index}.mts`), `${block.code}\n${hidden}\nexport {};\n`);
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(settings(root, [...names.keys()])));
    const compiler = fileURLToPath(new URL('node_modules/typescript/bin/tsc', root));
    const { stdout, stderr } = spawnSync(process.execPath, [compiler, '-p', folder, '--pretty', 'false'], {
      encoding: 'utf8',
    });
    return `${stdout}${stderr}`
      .split('\n')
      .map((line) => line.replace(AT_BLOCK, (_all, file: string, row) => `${names.get(file)} + ${row}`))
      .filter((line) => line.trim() !== '' && !OF_SOURCES.test(line));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function settings(root: URL, files: readonly string[]): object {
  const paths = packageEntries(root).map(({ specifier, file }) => [specifier, [fileURLToPath(new URL(file, root))]]);
  return {
    extends: fileURLToPath(new URL('tsconfig.json', root)),
    compilerOptions: {
      paths: Object.fromEntries(paths) as Record<string, string[]>,
      typeRoots: [fileURLToPath(new URL('node_modules/@types', root))],
      // What the blocks make and don't use is for the reader.
      noUnusedLocals: false,
      rewriteRelativeImportExtensions: false,
      allowImportingTsExtensions: true,
    },
    include: [],
    files,
  };
}

function blocksOf(pages: readonly Page[], language: string): (CodeBlock & { path: string })[] {
  return pages.flatMap((page) =>
    page.blocks
      .filter((block) => block.language === language)
      .map(({ line, code, hidden }) => ({ path: page.path, language, line, code, hidden })),
  );
}
