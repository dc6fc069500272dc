import type { Model } from './model.ts';
import type { Snapshot } from './snapshot.ts';

/** A step of the model, for invariants that compare before and after. */
export interface Moment {
  model: Model;
  /** The state of Redis before the command. */
  before: { seen: Snapshot; rules: Model['rules'] };
}
