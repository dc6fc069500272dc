import { headOf, type Message, type Model } from './model.ts';

/** An operator's hand was here: until the next repair the conversation's place may be unknown. */
export function disturb(model: Model, { lane }: Message): void {
  model.disturbed.add(lane);
  model.everDisturbed = true;
}

/** Whether an operator's hand may explain what looks odd; it may not after a repair. */
export function isDisturbed(model: Model, lane: string): boolean {
  const head = model.messages.get(headOf(model.seen, lane) ?? '');
  return model.disturbed.has(lane) || head?.promoted === true;
}

export function isPageDisturbed(model: Model, page: string): boolean {
  const lanes = new Set([...model.disturbed, ...Object.keys(model.seen.lanes)]);
  return [...lanes].some((lane) => lane.startsWith(`${page}/`) && isDisturbed(model, lane));
}
