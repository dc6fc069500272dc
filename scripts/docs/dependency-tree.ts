import { readFileSync } from 'node:fs';

const START = '<!-- dependencies:start -->';
const END = '<!-- dependencies:end -->';

interface LockedPackage {
  dependencies?: Record<string, string>;
  optionalDependencies?: Record<string, string>;
  os?: string[];
}

type Lock = Readonly<Record<string, LockedPackage>>;

/** CONTRIBUTING.md with the current tree of production dependencies. */
export function withDependencyTree(page: string, root: URL): string {
  const start = page.indexOf(START);
  const end = page.indexOf(END);
  if (start === -1 || end < start) throw new Error(`CONTRIBUTING.md needs the lines ${START} and ${END}, in order.`);
  return `${page.slice(0, start)}${START}\n\`\`\`\n${dependencyTree(root)}\n\`\`\`\n${page.slice(end)}`;
}

/** One line per direct dependency, with its own dependencies. A shared dependency is listed with the first one. */
function dependencyTree(root: URL): string {
  const { packages } = JSON.parse(readFileSync(new URL('package-lock.json', root), 'utf8')) as { packages: Lock };
  const direct = Object.keys(packages['']?.dependencies ?? {}).toSorted();
  const told = new Set(direct.map((name) => `node_modules/${name}`));
  return direct.map((name) => lineOf(packages, name, told)).join('\n');
}

function lineOf(packages: Lock, name: string, told: Set<string>): string {
  const brought: string[] = [];
  const paths = [`node_modules/${name}`];
  for (const path of paths) {
    for (const dependency of namesIn(packages[path])) {
      const at = resolve(packages, path, dependency);
      if (at === null || told.has(at) || packages[at]?.os !== undefined) continue;
      told.add(at);
      paths.push(at);
      brought.push(dependency);
    }
  }
  return brought.length === 0 ? name : `${name} ── ${brought.toSorted().join(', ')}`;
}

function namesIn(locked: LockedPackage | undefined): string[] {
  return Object.keys({ ...locked?.dependencies, ...locked?.optionalDependencies });
}

/** Resolves a package as Node does: in the nearest folder first. */
function resolve(packages: Lock, from: string, name: string): string | null {
  const folders = from.split('/node_modules/');
  for (let depth = folders.length; depth > 0; depth -= 1) {
    const path = `${folders.slice(0, depth).join('/node_modules/')}/node_modules/${name}`;
    if (path in packages) return path;
  }
  return `node_modules/${name}` in packages ? `node_modules/${name}` : null;
}
