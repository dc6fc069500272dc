import { types } from 'node:util';
import { formatPath } from '../../shared/validation/issues.ts';
import { nearest } from '../../shared/validation/nearest.ts';
import type { WorkerHooks } from '../../worker/index.ts';

/** The hooks that a file can export. */
export type FileHooks = Pick<
  WorkerHooks,
  'resolveApiKey' | 'classifyResponse' | 'beforeSend' | 'resolveUnknown' | 'ky'
>;

const hookNames = [
  'resolveApiKey',
  'classifyResponse',
  'beforeSend',
  'resolveUnknown',
  'ky',
] as const satisfies (keyof FileHooks)[];
const LISTED = hookNames.join(', ');
/** What Node.js and compilers add to the exports of a CommonJS module. */
const ADDED = new Set(['__esModule', 'module.exports']);

/** Returns the hooks among the exports of a module, or all problems. No problem quotes a value. */
export function readExports(module: object): { hooks: FileHooks } | { problems: string[] } {
  const { default: whole, ...named } = module as Record<string, unknown>;
  if (whole !== undefined && !isObject(whole)) {
    return { problems: ['its default export must be an object with hooks, or be left out'] };
  }
  // Some compilers put the default export of a module into the `default` of what CommonJS exports.
  const { default: inner, ...outer } = whole ?? {};
  const given = { ...(isObject(inner) ? inner : {}), ...outer };
  const twice = Object.keys(named).filter((name) => name in given && given[name] !== named[name]);
  const exported = Object.entries({ ...given, ...named }).filter(([name]) => !ADDED.has(name));
  const problems = [
    ...twice.map((name) => `exports ${formatPath([name])} twice, by name and in its default export; keep one of them`),
    ...exported.flatMap(([name, value]) => problemOf(name, value) ?? []),
  ];
  if (exported.length === 0) problems.push(`exports no hook; it must export at least one of ${LISTED}`);
  return problems.length > 0 ? { problems } : { hooks: Object.fromEntries(exported) };
}

function problemOf(name: string, value: unknown): string | undefined {
  if (!isHookName(name)) {
    const meant = nearest(name, hookNames);
    const advice = meant === undefined ? `the hooks are ${LISTED}` : `did you mean ${meant}?`;
    return `exports ${formatPath([name])}, which is no hook; ${advice}`;
  }
  if (name === 'ky') return isClient(value) ? undefined : 'its export ky must be a ky instance, with a function post';
  if (typeof value !== 'function') return `its export ${name} must be a function`;
  if (name === 'classifyResponse' && types.isAsyncFunction(value)) {
    return 'its export classifyResponse must not be async: the worker does not wait for a judgement';
  }
  return undefined;
}

function isHookName(name: string): name is (typeof hookNames)[number] {
  return hookNames.some((hook) => hook === name);
}

/** Instances of ky are functions. */
function isClient(value: unknown): boolean {
  if (!isObject(value) && typeof value !== 'function') return false;
  return typeof Reflect.get(value, 'post') === 'function';
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
