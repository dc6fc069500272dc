import { createInterface } from 'node:readline';
import { type CommandContext, plainText } from '../context/context.ts';

/** Asks on the terminal; only `y` and `yes` are a yes. The end of the input and Ctrl-C are a no. */
export async function confirm({ stdin, stderr, interrupted }: CommandContext, question: string): Promise<boolean> {
  if (interrupted.aborted) return false;
  stderr.write(`${plainText(question)} [y/N] `);
  // The terminal edits the line itself, so that Ctrl-C stays a signal.
  const lines = createInterface({ input: stdin, terminal: false });
  const answer = await new Promise<string | null>((resolve) => {
    lines.once('line', resolve).once('close', () => resolve(null));
    interrupted.addEventListener('abort', () => resolve(null), { once: true });
  });
  lines.close();
  if (answer === null) stderr.write('\n');
  return answer !== null && /^\s*y(es)?\s*$/i.test(answer);
}
