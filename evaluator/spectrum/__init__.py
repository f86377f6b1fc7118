"""What an upscaler does to frequencies: its impulse response, and what of an image that response explains."""
