import { type ForegroundServer, startForegroundServer } from './foreground-server.ts';

/** Starts a tinyproxy of Debian on a free port of loopback, which wants this user and password, and passes on to any port. */
export async function startTinyproxy(login: { user: string; password: string }): Promise<ForegroundServer> {
  return await startForegroundServer({
    program: 'tinyproxy',
    args: ['-d', '-c', 'server.conf'],
    configure: (port, folder) => `
Port ${port}
Listen 127.0.0.1
LogFile "${folder}/proxy.log"
LogLevel Info
BasicAuth ${login.user} ${login.password}
`,
    isReady: (_pid, read) => read('proxy.log').includes('Accepting connections'),
    portTaken: 'Could not create listening sockets',
  });
}
