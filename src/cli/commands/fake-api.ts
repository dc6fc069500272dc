import { once } from 'node:events';
import { faultsFromFlags } from '../../testing/fake-api/faults-from-flags.ts';
import { type FakeKitechatOptions, startFakeKitechat } from '../../testing/index.ts';
import { type CommandContext, type ExitCode, exitCodes, jsonLine, line } from '../context/context.ts';

export interface FakeApiOptions {
  host: string;
  port: number;
  apiKey: string[];
  fault: string[];
  seed: number;
  latency: number;
  answer: NonNullable<FakeKitechatOptions['answer']>;
}

/** `fake-api`: runs the fake API until it is interrupted, then prints its report. */
export async function fakeApi(context: CommandContext, options: FakeApiOptions): Promise<ExitCode> {
  const { host, port, seed, answer } = options;
  await using api = await startFakeKitechat({
    host,
    port,
    seed,
    answer,
    latencyMs: options.latency,
    faults: faultsFromFlags(options.fault),
    ...(options.apiKey.length === 0 ? {} : { apiKeys: options.apiKey }),
  });
  jsonLine(context.stdout, { url: api.url });
  line(context.stderr, `The fake API listens at ${api.url}; Ctrl-C stops it.`);
  if (!context.interrupted.aborted) await once(context.interrupted, 'abort');
  jsonLine(context.stdout, api.report());
  return exitCodes.done;
}
