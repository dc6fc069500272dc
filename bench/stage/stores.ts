/** A store that one contestant has for itself. */
export interface Store extends AsyncDisposable {
  url: string;
  /** The processor time that it has used so far, in µs. */
  processorTimeUs(): number;
  /** Bytes that it needs for data. */
  storedBytes(): Promise<number>;
  /** Makes it as empty as it was, whatever was stored. */
  empty(): Promise<void>;
}

export type OpenStore = () => Promise<Store>;

/** What is needed to measure is not on this machine: the benchmark is left out, which is no failure. */
export class MissingError extends Error {
  override name = 'MissingError';
}
