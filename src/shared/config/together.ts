import * as z from 'zod';
import { shardList } from './values.ts';

/** For settings: zod would take longer to compile their schemas than for all the parsing that a process does with them. */
export const notCompiled = { jitless: true } as const;

export const bothBackoffs = z.object({ backoffMs: z.number(), backoffMaxMs: z.number() });
export const bothShardSettings = z.object({ shards: z.number(), serveShards: shardList });
export const bothCertificates = z.object({ apiCertFile: z.string(), apiCertKeyFile: z.string() });
export const oneCertificate = z.union([
  z.object({ apiCertFile: z.string() }),
  z.object({ apiCertKeyFile: z.string() }),
]);
export const bothConsoleTokens = z.object({ consoleToken: z.string(), consoleTokensFile: z.string() });
export const bothKeys = z.object({ apiKey: z.string(), apiKeyFile: z.string() });

/** Whether a value has these settings, whatever else is wrong with it. */
export function fits(schema: z.ZodType, value: unknown): boolean {
  return schema.safeParse(value, notCompiled).success;
}
