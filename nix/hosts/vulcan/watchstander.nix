# The bot and its agent on this host. Rooms and people are examples: put your own here.
{
  services.watchstander = {
    enable = true;
    settings = {
      zone = "America/Los_Angeles";
      hosts = [{
        name = "vulcan";
        match = [ ''instance=~"vulcan(:[0-9]+)?"'' ];
        local = true;
        agent = { };
      }];
      chats = [{
        name = "matrix";
        matrix = { homeserver = "https://matrix.example.org"; user = "@watchstander:example.org"; token_file = "matrix-token"; };
      }];
      rooms = [{ name = "ops"; chat = "matrix"; id = "!abcdefghijklmnopqr:example.org"; }];
      people = [{ name = "alice"; roles = [ "operator" "approver" ]; matrix = [ "@alice:example.org" ]; }];
      alertmanagers = [{ name = "main"; urls = [ "http://127.0.0.1:9093" ]; receivers = [ "watchstander" ]; }];
      prometheus.url = "http://127.0.0.1:9090";
      webhooks = [{ name = "main"; alertmanager = "main"; bearer_token_file = "webhook-token"; }];
      routes = [
        { match = [ ''alertname="Watchdog"'' ]; as = "heartbeat"; absent_after = "10m"; rooms = [ "ops" ]; }
        { match = [ ''severity="info"'' ]; as = "digest"; rooms = [ "ops" ]; }
        { rooms = [ "ops" ]; }
      ];
    };
    credentials = {
      matrix-token = "/run/secrets/watchstander/matrix-token";
      webhook-token = "/run/secrets/watchstander/webhook-token";
    };
    agent.enable = true;
  };
}
