import { scriptTexts } from './script-texts.ts';

/**
 * Returns the text of a script.
 *
 * @throws if the text is not that of this script: a bundler or a transform has mixed them up, and another script would do harm.
 */
export function readScript(name: string, texts = scriptTexts): string {
  const text = texts[name] ?? '';
  if (text.startsWith(`-- ${name}\n`)) return text;
  throw new Error(
    `the script ${name} is not itself: whatever built kitechat-sender into this program has changed its texts`,
  );
}
