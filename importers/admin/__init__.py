from .product_page import ProductPage

__all__ = ["ProductPage"]
