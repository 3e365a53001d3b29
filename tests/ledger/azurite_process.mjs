// Loaded before Azurite: prints the port that the system chose, and ends the process when its parent is gone.
import { Server } from "node:net";

const listen = Server.prototype.listen;
Server.prototype.listen = function (...options) {
  this.once("listening", () => console.log(`port ${this.address().port}`));
  return listen.apply(this, options);
};
process.stdin.on("end", () => process.exit()).resume();
