# Forecasts.
{
  watchstander.capacity.enable = true;
}
