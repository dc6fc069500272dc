import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WorkerLogger } from '../../shared/logging/worker-logger.ts';
import * as z from 'zod';
import { highestOf, type SeenMarks } from '../../shared/lanes/lib/timeline.ts';

/** A folder in which workers keep what they have seen of each shard, one small file for each. Workers may share the folder. */
export interface MarkFiles {
  /** @returns nothing if there is no file, or the file can't be read */
  read(shard: number): Promise<SeenMarks>;
  /** Must not be called again for a shard before it has ended. */
  write(shard: number, marks: SeenMarks): Promise<void>;
}

const storedMarks = z.record(z.string(), z.object({ mark: z.number(), at: z.number() }));

/** A folder that can't be used is logged once, and never stops the worker. */
export function openMarkFiles(
  folder: string,
  { namespace, workerId, logger }: { namespace: string; workerId: string; logger: WorkerLogger },
): MarkFiles {
  let isFailing = false;

  function noteFailure(error: unknown): void {
    if (isFailing) return;
    isFailing = true;
    logger.warn(
      { err: error, folder },
      'the folder of KITECHAT_STATE_DIR cannot be used: the worker goes on, but workers that start later may not notice a restore of Redis',
    );
  }

  function pathOf(shard: number): string {
    return join(folder, `${namespace}.${shard}.json`);
  }

  async function read(shard: number): Promise<SeenMarks> {
    try {
      return storedMarks.parse(JSON.parse(await readFile(pathOf(shard), 'utf8')));
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) noteFailure(error);
      return {};
    }
  }

  return {
    read,
    async write(shard, marks) {
      const path = pathOf(shard);
      // Each worker has a name of its own for the new file, so that two workers never write one file.
      const fresh = `${path}.${workerId}`;
      try {
        const highest = highestOf([...Object.entries(await read(shard)), ...Object.entries(marks)]);
        await mkdir(folder, { recursive: true });
        await writeFile(fresh, JSON.stringify(highest), { flush: true });
        await rename(fresh, path);
        isFailing = false;
      } catch (error) {
        noteFailure(error);
        // A disk without space takes part of it.
        await rm(fresh, { force: true }).catch(() => {});
      }
    },
  };
}
