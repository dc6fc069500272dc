import { execFile } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';

export interface RunOptions {
  cwd: string;
  env?: Record<string, string>;
  /** Default two minutes. */
  timeoutMs?: number;
}

/**
 * Runs a program of an app, as its user would: `node` is the Node.js of these tests, and the tools of the app are on the path.
 *
 * @throws with all that it wrote, if it fails
 */
export function run(
  command: string,
  args: readonly string[],
  { cwd, env = {}, timeoutMs = 120_000 }: RunOptions,
): Promise<{ stdout: string; stderr: string }> {
  const limits = { timeout: timeoutMs, killSignal: 'SIGKILL', maxBuffer: 64 * 1024 * 1024 } as const;
  return new Promise((resolve, reject) => {
    execFile(command, args, { cwd, env: environmentOf(cwd, env), ...limits }, (error, stdout, stderr) => {
      if (error === null) resolve({ stdout, stderr });
      else reject(new Error([error.message, stdout, stderr].join('\n')));
    });
  });
}

/** The environment of a program of an app. It has nothing of the test runner and of the repository, which would change what tools do. */
export function environmentOf(cwd: string, more: Record<string, string> = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !OF_THE_TEST_RUNNER.test(name));
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  const first = [join(cwd, 'node_modules/.bin'), dirname(process.execPath)];
  return { ...Object.fromEntries(kept), PATH: [...first, ...path].join(delimiter), ...more };
}

/** Registries stay. */
const OF_THE_TEST_RUNNER =
  /^(?:NODE_ENV|NODE_OPTIONS|TEST|VITEST.*|MODE|PROD|DEV|SSR|BASE_URL|INIT_CWD|REDIS_URL|KITECHAT_.*|npm_(?!config_registry).*)$/;
