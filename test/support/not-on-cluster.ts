const ONE_CONNECTION = 'looks into Redis over a connection to one server';
const STOPPED = 'stops a process at a line of what it says to one server';
const CLOCK = 'sets the clock of one server';
const OWN_CLUSTER = 'starts a cluster itself';
const ONE_SERVER = 'is about one server: its memory, its settings, or the way to it';

/** The integration tests that `npm run test:cluster` leaves out, and why. All others run on a cluster of six processes. */
export const notOnCluster: Readonly<Record<string, string>> = {
  acl: ONE_SERVER,
  admission: CLOCK,
  'bullmq-contract': ONE_CONNECTION,
  circuit: CLOCK,
  'cli-reshard': OWN_CLUSTER,
  'cluster-failover': OWN_CLUSTER,
  'cluster-flow': OWN_CLUSTER,
  'cluster-slots': OWN_CLUSTER,
  demo: 'brings a Redis of its own',
  'encryption-at-rest': ONE_SERVER,
  fleet: CLOCK,
  'hostile-jobs': ONE_CONNECTION,
  'lanes-counterexamples': ONE_SERVER,
  'lanes-model': ONE_CONNECTION,
  limits: CLOCK,
  'limits.properties': CLOCK,
  'producer-connection': ONE_SERVER,
  'producer-script-flush': ONE_CONNECTION,
  'producer-unavailable': ONE_SERVER,
  'producer-uncertain': ONE_SERVER,
  'stopped-again': STOPPED,
  'stopped-frozen-worker': STOPPED,
  'stopped-pace': STOPPED,
  'stopped-parked': STOPPED,
  'stopped-producer': STOPPED,
  'stopped-worker': STOPPED,
  tls: ONE_SERVER,
  'worker-outages': ONE_SERVER,
};
