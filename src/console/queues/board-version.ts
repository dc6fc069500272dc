import { readFileSync } from 'node:fs';

const packageJson = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8')) as {
  devDependencies: Record<'@bull-board/ui', string>;
};

/** The version of bull-board's page that fits. The build replaces this module by one that holds the value. */
export const boardVersion = packageJson.devDependencies['@bull-board/ui'];
