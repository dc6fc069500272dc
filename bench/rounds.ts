import type { Contest, Measurement } from './benchmark.ts';

export interface Round {
  baseline: Measurement;
  subject: Measurement;
}

export interface Schedule {
  rounds: number;
  /** For compilers, caches and connections to get warm: their values are dropped. Default 1. */
  warmUpRounds?: number | undefined;
}

/** Measures both sides in turn, so that a machine that slows down on the way slows both. */
export async function playRounds(
  { baseline, subject }: Contest,
  { rounds, warmUpRounds = 1 }: Schedule,
  onRound: (round: Round) => void = () => {},
): Promise<Round[]> {
  const played: Round[] = [];
  for (let index = -warmUpRounds; index < rounds; index += 1) {
    const round = { baseline: await baseline.measure(), subject: await subject.measure() };
    if (index < 0) continue;
    played.push(round);
    onRound(round);
  }
  return played;
}
