import { createInterface } from 'node:readline';
import { type CommandContext, plainText } from '../context/context.ts';

/** Asks on the terminal. Only `y` and `yes` count as yes; the end of the input and Ctrl-C count as no. */
export async function confirm({ stdin, stderr, interrupted }: CommandContext, question: string): Promise<boolean> {
  if (interrupted.aborted) return false;
  stderr.write(`${plainText(question)} [y/N] `);
  // Not `terminal: true`: the terminal itself edits the line, so that Ctrl-C stays a signal.
  const lines = createInterface({ input: stdin, terminal: false });
  const answer = await new Promise<string | null>((resolve) => {
    lines.once('line', resolve).once('close', () => resolve(null));
    interrupted.addEventListener('abort', () => resolve(null), { once: true });
  });
  lines.close();
  if (answer === null) stderr.write('\n');
  return answer !== null && /^\s*y(es)?\s*$/i.test(answer);
}
