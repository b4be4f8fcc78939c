# watchstander.capacity.
{ evaluate, broken, ... }:
let of = capacity: evaluate [{ watchstander = { alerts.runbooks = "https://git.example.org/runbooks"; inherit capacity; }; }]; in
{
  holds = {
    "nothing, unless it is enabled" = !((of { }).watchstander.alerts.files ? capacity);
    "forecasts" = (of { enable = true; }).watchstander.alerts.files ? capacity && broken (of { enable = true; }) == [ ];
  };
  refused."an option that does not exist" = (of { enabled = true; }).watchstander.alerts.files;
}
