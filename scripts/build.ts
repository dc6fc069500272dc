/** Builds the published package: src/ compiled to dist/, with every file that is not TypeScript copied beside it. */
import { spawnSync } from 'node:child_process';
import { cpSync, globSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';

const compile = (): boolean => {
  const onWindows = process.platform === 'win32';
  const { status, error } = spawnSync('tsc', ['--project', 'tsconfig.build.json'], {
    stdio: 'inherit',
    shell: onWindows,
  });
  if (error !== undefined) console.error(`build: could not run tsc (${error.message}); use "npm run build"`);
  return status === 0;
};

/** The compiler rewrites `./x.ts` to `./x.js` in the code that it emits, but not in the declarations. */
const rewriteDeclarationImports = (): void => {
  for (const file of globSync('dist/**/*.d.ts')) {
    const declarations = readFileSync(file, 'utf8');
    writeFileSync(file, declarations.replaceAll(/(\b(?:from|import)[\s(]*['"]\.{1,2}\/[^'"]+)\.ts(?=['"])/g, '$1.js'));
  }
};

const copyAssets = (): void => {
  cpSync('src', 'dist', {
    recursive: true,
    filter: (path) => statSync(path).isDirectory() || !path.endsWith('.ts'),
  });
};

rmSync('dist', { recursive: true, force: true });
if (compile()) {
  rewriteDeclarationImports();
  copyAssets();
} else {
  process.exitCode = 1;
}
