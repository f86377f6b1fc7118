"""How an upscaled image is compared with the true one: PSNR, SSIM, FSDS, and protocols."""
