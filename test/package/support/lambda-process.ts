/** What Lambda does with a bundle: it loads the bundle once, and calls the handler for each event. An event is a line of stdin. */
import { createInterface } from 'node:readline';

interface Bundle {
  handler(event: unknown): Promise<unknown>;
}

const { handler } = (await import(process.argv[2] ?? '')) as Bundle;
let invocations = 0;
for await (const line of createInterface({ input: process.stdin })) {
  invocations += 1;
  const answer = await handler(JSON.parse(line)).then(
    (result) => ({ result }),
    (error: unknown) => ({ error: (error as Error).name }),
  );
  process.stdout.write(`${invocations} ${JSON.stringify(answer)}\n`);
}
