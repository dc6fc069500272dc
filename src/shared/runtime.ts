import { ConfigError } from './errors/errors.ts';

/** The oldest version of Node that this package supports; the same as `engines` in package.json. */
const LEAST_NODE = [22, 19] as const;
const NEEDED = `Node ${LEAST_NODE.join('.')} or later`;

/** Returns why this package can't work in this process, or `null` if it can. Bun and Deno are not judged by the Node that they imitate. */
export function describeUnfitNode(): string | null {
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const isOld = major < LEAST_NODE[0] || (major === LEAST_NODE[0] && minor < LEAST_NODE[1]);
  return isOld && imitation() === null
    ? `kitechat-sender needs ${NEEDED}; this is Node ${process.versions.node}`
    : null;
}

/** @throws ConfigError if this package can't work in this process. */
export function demandFitNode(): void {
  const problem = describeUnfitNode();
  if (problem !== null) throw new ConfigError([problem]);
}

/** @throws ConfigError if a worker can't work in this process: it needs sockets, TLS and timers that behave exactly as those of Node. */
export function demandNodeForWorkers(): void {
  demandFitNode();
  const other = imitation();
  if (other === null) return;
  throw new ConfigError([
    `a worker needs ${NEEDED}; this is ${other}, where only the other parts of kitechat-sender work. Run the worker with node`,
  ]);
}

/** A runtime that imitates Node, or `null` for Node itself. */
function imitation(): string | null {
  const { bun, deno } = process.versions;
  if (bun !== undefined) return `Bun ${bun}`;
  return deno === undefined ? null : `Deno ${deno}`;
}
