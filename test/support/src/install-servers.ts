/** Run in front of the tests, so that no test's time goes by while a server is being installed. */
import { chromium, mariadbServer, natsServer, serverProgram } from './server-program.ts';

// Where it can't be installed, the tests that need it fail and say so; the others are run all the same.
for (const server of [natsServer, mariadbServer, chromium]) await serverProgram(server).catch(() => {});
