const ONE_CONNECTION = 'looks into Redis over a connection to one server';
const STOPPED = 'stops a process at a line of what it says to one server';
const CLOCK = 'sets the clock of one server';
const OWN_CLUSTER = 'starts a cluster itself';
const ONE_SERVER = 'is about one server: its memory, its settings, what it counts, or the way to it';

/** The integration and systems tests that `npm run test:cluster` leaves out, and why. All others run on a cluster of six processes. */
export const notOnCluster: Readonly<Record<string, string>> = {
  acl: ONE_SERVER,
  'bullmq-contract': ONE_CONNECTION,
  'canary-worker': ONE_SERVER,
  circuit: CLOCK,
  'cli-in-process': ONE_SERVER,
  'cli-reshard': OWN_CLUSTER,
  'cluster-failover': OWN_CLUSTER,
  'cluster-flow': OWN_CLUSTER,
  'cluster-slots': OWN_CLUSTER,
  'dead-letters-replay': ONE_SERVER,
  demo: 'brings a Redis of its own',
  'encryption-at-rest': ONE_SERVER,
  fleet: CLOCK,
  'hostile-jobs': ONE_CONNECTION,
  'lanes-counterexamples': ONE_SERVER,
  'lanes-model': ONE_CONNECTION,
  'lanes-together': ONE_SERVER,
  'limit-keeper': CLOCK,
  'limit-shares': CLOCK,
  'limits-together': CLOCK,
  'limits.properties': CLOCK,
  limits: CLOCK,
  'page-status': ONE_SERVER,
  'process-message': CLOCK,
  'producer-bulk': ONE_SERVER,
  'producer-connection': ONE_SERVER,
  'producer-script-flush': ONE_CONNECTION,
  'producer-together': ONE_SERVER,
  'producer-unavailable': ONE_SERVER,
  'producer-uncertain': ONE_SERVER,
  'redis-access': ONE_SERVER,
  'script-cost': CLOCK,
  'stopped-again': STOPPED,
  'stopped-frozen-worker': STOPPED,
  'stopped-pace': STOPPED,
  'stopped-producer': STOPPED,
  'stopped-worker': STOPPED,
  tls: ONE_SERVER,
  'worker-outages': ONE_SERVER,
};
