import { describe, expect, it } from 'vitest';
import { moveAway, writeFiles } from './new-app.ts';
import { reportApp } from './report-app.ts';
import { manifest } from './repository.ts';
import { run } from './run.ts';
import { useInstallation } from './use-installation.ts';

/** How an app is bundled from `test/package/apps/bundle`, and what comes of it. */
export interface Bundle {
  /** The name of its row in the report. */
  report: string;
  app: string;
  version: string;
  /** What the app has to set. Default `nothing`. */
  needs?: string;
  /** The commands of the user. */
  build: readonly (readonly [string, ...string[]])[];
  /** The folder that they fill. */
  folder: string;
  /** The command that starts the bundle of `send.js` in that folder. */
  send: readonly [string, ...string[]];
  /** The same of `work.js`. */
  work?: readonly [string, ...string[]];
}

/** The version of the app: no part of the package may take it for its own. */
export const APP_VERSION = '9.9.9';

/** Called at the top of a file: builds in the app, moves the output away, and sends a message with it. */
export function describeBundle(bundle: Bundle, app: () => string): void {
  const { report, version, needs = 'nothing', work } = bundle;
  describe(`${bundle.app}: a bundle in a folder without node_modules`, () => {
    reportApp(report, {
      app: bundle.app,
      version,
      checked: work ? 'a producer and a worker' : 'a producer',
      needs,
    });
    const { expectDelivery } = useInstallation();
    const workers = useInstallation({ worker: false });
    let folder: string;

    it('is built without a warning about this package', async () => {
      let said = '';
      for (const [command, ...args] of bundle.build) {
        const { stdout, stderr } = await run(command, args, {
          cwd: app(),
          env: { NO_COLOR: '1' },
          timeoutMs: 300_000,
        });
        said += `${stdout}\n${stderr}\n`;
      }
      folder = moveAway(`${app()}/${bundle.folder}`);
      writeFiles(folder, { '../package.json': JSON.stringify({ name: 'shop', version: APP_VERSION }) });
      expect(warningsIn(said), said).toEqual([]);
    });

    it('sends messages', async () => {
      const [command, ...args] = bundle.send;
      await expectDelivery(command, args, { cwd: folder });
    });

    if (work === undefined) return;
    it('delivers messages, as a worker with the version of this package', async () => {
      const { own, env } = workers;
      const message = { type: 'text', text: 'to a bundled worker' } as const;
      const id = await own.enqueue({ pageId: 'p1', conversationId: 'c1', message });
      const [command, ...args] = work;
      const { stdout } = await run(command, args, { cwd: folder, env: { ...env, KITECHAT_API_URL: own.api.url } });
      await workers.expectArrival(id, message.text);
      expect(versionsIn(stdout)).toEqual([manifest.version]);
    });
  });
}

/** ioredis's modules import each other, of which Rollup warns; that has no effect. */
function warningsIn(said: string): string[] {
  return said.split('\n').filter((line) => WARNS.test(line) && !line.startsWith('(!) Circular dependenc'));
}

const WARNS = /^\(!\)|^\W*warn|\] warn/i;

function versionsIn(log: string): string[] {
  const lines = log.trim().split('\n');
  const versions = lines.map((line) => (JSON.parse(line) as { version?: string }).version);
  return [...new Set(versions.filter((version) => version !== undefined))];
}
