import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

import { describe, expect, it } from 'vitest';

import { apiPage, packageEntries } from '../../../scripts/docs/api-page.ts';
import { readEntries } from '../../../scripts/docs/api-reference.ts';
import { settingGroups } from '../../../scripts/docs/config-guide.ts';
import { configPage } from '../../../scripts/docs/config-page.ts';
import { withDependencyTree } from '../../../scripts/docs/dependency-tree.ts';
import { errorsPage } from '../../../scripts/docs/errors-page.ts';
import { projectRoot } from '../../../scripts/docs/pages.ts';
import { exitCodeGuide } from '../../../scripts/docs/exit-code-guide.ts';
import { variables } from '../../../src/shared/config/variables.ts';
import { deadReasons } from '../../../src/shared/model/dead-letter.ts';
import { deadReasonGuide, errorGuide } from '../../../scripts/docs/error-guide.ts';

const HOW = 'run node scripts/docs.ts';

function stored(path: string): string {
  return readFileSync(new URL(path, projectRoot), 'utf8');
}

describe('docs/configuration.md', () => {
  it('is current', () => {
    expect(stored('docs/configuration.md'), HOW).toBe(configPage());
  });

  it('has each variable once, with when to change it', () => {
    const advised = settingGroups.flatMap(({ settings }) => settings.map(({ variable }) => variable));
    expect(advised.toSorted()).toEqual(variables.map(({ name }) => name).toSorted());
    for (const { when } of settingGroups.flatMap(({ settings }) => settings)) expect(when).toMatch(/\w.*\.$/s);
  });

  it('shows a variable that nobody has written about yet', () => {
    expect(configPage(variables, [])).toContain('### `REDIS_URL`, `REDIS_URL_FILE`');
  });
});

describe('docs/errors.md', () => {
  it('is current', () => {
    expect(stored('docs/errors.md'), HOW).toBe(errorsPage());
  });

  it('has an entry for every error of the code, by its name, and for no other', () => {
    const src = fileURLToPath(new URL('src/', projectRoot));
    const declared = globSync('**/*.ts', { cwd: src }).flatMap((file) => {
      const code = readFileSync(`${src}${file}`, 'utf8');
      const classes = code.matchAll(/class (\w+) extends KitechatSenderError \{.*?readonly code = '(\w+)'/gs);
      return Array.from(classes, ([, name, errorCode]) => `${errorCode} ${name}`);
    });
    const documented = Object.entries(errorGuide).map(([code, { name }]) => `${code} ${name}`);
    expect(declared.length).toBeGreaterThan(10);
    expect(documented.toSorted()).toEqual(declared.toSorted());
  });

  it('has a cause and a cure for every error, dead reason and exit code', () => {
    const guides = [errorGuide, deadReasonGuide, exitCodeGuide].flatMap((guide) => Object.values(guide));
    for (const { cause, cure } of guides) {
      expect(cause).toMatch(/\.$/);
      expect(cure).toMatch(/\.$/);
    }
    for (const reason of deadReasons) expect(errorsPage()).toContain(`### \`${reason}\``);
  });
});

describe('docs/api.md', () => {
  it('is current', { timeout: 120_000 }, () => {
    expect(stored('docs/api.md'), HOW).toBe(apiPage(projectRoot));
  });

  it('has every name that the package exports', { timeout: 120_000 }, () => {
    const entries = packageEntries(projectRoot);
    const page = stored('docs/api.md');
    expect(entries.map(({ specifier }) => specifier)).toEqual([
      'kitechat-sender',
      'kitechat-sender/worker',
      'kitechat-sender/dead-letters',
      'kitechat-sender/events',
      'kitechat-sender/testing',
    ]);
    const names = readEntries(
      projectRoot,
      entries.map(({ file }) => file),
    ).flatMap(({ exported }) => exported.map(({ name }) => name));
    expect(names).toContain('createProducer');
    for (const name of names) expect(page).toMatch(new RegExp(`^### ${name}$`, 'm'));
  });
});

describe('CONTRIBUTING.md', () => {
  it('has the current tree of dependencies, with a reason for each direct one', () => {
    const page = stored('CONTRIBUTING.md');
    expect(page, HOW).toBe(withDependencyTree(page, projectRoot));
    const { dependencies } = JSON.parse(stored('package.json')) as { dependencies: Record<string, string> };
    const reasons = page.slice(page.indexOf('| package | for |'), page.indexOf('<!-- dependencies:start -->'));
    for (const name of Object.keys(dependencies)) expect(reasons).toContain(name.replace(/^@bull-board/, ''));
  });
});

describe('docs/operations.md', () => {
  it('says for every alert what to look at and what to do, and for no other', () => {
    const names = (text: string, pattern: RegExp): string[] =>
      Array.from(text.matchAll(pattern), ([, name = '']) => name);
    const page = stored('docs/operations.md');
    const alerts = names(stored('ops/alerts.yml'), /- alert: (\w+)/g);
    expect(alerts.length).toBeGreaterThan(5);
    expect(names(page, /^### (Kitechat\w+)$/gm).toSorted()).toEqual(alerts.toSorted());
    for (const section of page.split(/^### (?=Kitechat)/m).slice(1)) {
      expect(section).toMatch(/^- \*\*Look:\*\* \S[\s\S]*^- \*\*Do:\*\* \S/m);
    }
  });
});
