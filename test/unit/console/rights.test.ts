import { describe, expect, it } from 'vitest';
import {
  type Action,
  lowestRoles,
  mayDo,
  type Role,
  roles,
  type Target,
  whyRefused,
} from '../../../src/console/rights/rights.ts';

const OWN: Target = { page: 'p1' };
const OTHER: Target = { page: 'p2' };
const UNKNOWN: Target = { page: null };

/** The roles that may do it to each target, with a token for all pages and with one for the page p1. */
const everybody = 'view operate admin';
const acting = 'operate admin';
const table: [action: Action, roles: string][] = [
  ['look', everybody],
  ['read actions', acting],
  ['hold', acting],
  ['release', acting],
  ['cancel', acting],
  ['replay', acting],
  ['discard', acting],
  ['settle', acting],
  ['repair', acting],
  ['edit', 'admin'],
  ['discard all', 'admin'],
];

const allowed = (pages: ReadonlySet<string> | null, action: Action, target: Target): string =>
  roles.filter((role) => mayDo({ role, pages }, action, target)).join(' ');

it('each action has a row', () => {
  expect(table.map(([action]) => action)).toEqual(Object.keys(lowestRoles));
});

describe.each(table)('"%s"', (action, expected) => {
  it('is allowed to these roles, on every page and on everything', () => {
    for (const target of ['none', 'installation', OWN, OTHER, UNKNOWN] as const) {
      expect([target, allowed(null, action, target)]).toEqual([target, expected]);
    }
  });

  it('is allowed to tokens for some pages on these only', () => {
    const pages = new Set(['p1']);
    for (const target of ['none', OWN] as const) expect(allowed(pages, action, target)).toBe(expected);
    for (const target of ['installation', OTHER, UNKNOWN] as const) expect(allowed(pages, action, target)).toBe('');
  });
});

it('a refusal says why, and names no page', () => {
  const of = (role: Role, pages: string[] | null, action: Action, target: Target) =>
    whyRefused({ role, pages: pages && new Set(pages) }, action, target);
  expect(of('view', null, 'hold', OWN)).toBe('This needs a token with the role operate; yours has the role view.');
  expect(of('admin', ['p1'], 'hold', 'installation')).toBe(
    'This concerns all pages, and your token is only for some of them.',
  );
  expect(of('admin', ['p1'], 'look', OTHER)).toBe('Your token is not for this page.');
  expect(of('admin', ['p1'], 'edit', OWN)).toBeNull();
});
