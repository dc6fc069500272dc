const LOOPBACK_NAME = /^(?:localhost|[\w-]+(?:\.[\w-]+)*\.localhost|127(?:\.\d{1,3}){3}|\[::1\]|::1)$/i;

/** Whether a host can only be reached from its own machine. */
export function isLoopbackHost(host: string): boolean {
  return LOOPBACK_NAME.test(host);
}
