import type { Contest, Measurement } from './benchmark.ts';

export interface Round {
  baseline: Measurement;
  subject: Measurement;
}

/** The first round is for compilers, caches and connections to get warm: its values are dropped. */
const WARM_UP_ROUNDS = 1;

/** Measures both sides in turn, so that a machine that slows down on the way slows both. */
export async function playRounds(
  { baseline, subject }: Contest,
  rounds: number,
  onRound: (round: Round) => void = () => {},
): Promise<Round[]> {
  const played: Round[] = [];
  for (let index = -WARM_UP_ROUNDS; index < rounds; index += 1) {
    const round = { baseline: await baseline.measure(), subject: await subject.measure() };
    if (index < 0) continue;
    played.push(round);
    onRound(round);
  }
  return played;
}
