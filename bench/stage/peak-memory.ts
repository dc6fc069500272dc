import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { openSync } from 'node:fs';
import { environment } from '../../test/support/command-line.ts';

/** As it is published: to strip types from the sources takes memory of its own. */
const main = new URL('../../dist/cli/main.js', import.meta.url).pathname;

/** V8 lets garbage lie as long as it may: only a bounded heap tells what is needed. */
const BOUNDED = ['--max-old-space-size=32', '--max-semi-space-size=1'];

/** Loaded before the command: it tells at the end how much memory the process had at most. */
const TELLS_ITS_PEAK = `data:text/javascript,
import { writeSync } from 'node:fs';
process.on('exit', () => writeSync(2, '\\npeak ' + process.resourceUsage().maxRSS + ' KiB\\n'));`;

/**
 * Runs a command to its end, with what it prints thrown away.
 *
 * @returns the most memory that it had at a time, in MB.
 * @throws if it fails.
 */
export async function peakMegabytesOf(args: readonly string[], env: Record<string, string>): Promise<number> {
  const devNull = openSync('/dev/null', 'w');
  const child = spawn(process.execPath, [...BOUNDED, '--import', TELLS_ITS_PEAK, main, ...args], {
    env: environment(env),
    stdio: ['ignore', devNull, 'pipe'],
  });
  let told = '';
  child.stderr?.on('data', (chunk: Buffer) => (told = (told + chunk.toString()).slice(-10_000)));
  const [code] = (await once(child, 'close')) as [number | null];
  const [, kilobytes] = /^peak (\d+) KiB$/m.exec(told) ?? [];
  if (code !== 0 || kilobytes === undefined) throw new Error(`"${args.join(' ')}" ended with ${code}:\n${told}`);
  return (Number(kilobytes) * 1024) / 1e6;
}

export async function buildPackage(): Promise<void> {
  const build = new URL('../../scripts/build.ts', import.meta.url).pathname;
  const [code] = (await once(spawn(process.execPath, [build], { stdio: 'inherit' }), 'close')) as [number | null];
  if (code !== 0) throw new Error('the package could not be built');
}
