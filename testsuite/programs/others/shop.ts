// What a shop sells, as TypeScript: types go, names become short, and what is constant is folded.
enum Unit { Piece = 1, Dozen = 12 }
interface Item { name: string; price: number; unit?: Unit }

export class Basket<T extends Item> {
    private items: T[] = [];
    add(...more: T[]): this {
        this.items.push(...more);
        return this;
    }
    get total(): number {
        return this.items.reduce((sum, { price, unit = Unit.Piece }) => sum + price * unit, 0);
    }
}

const seconds_of_a_day: number = 24 * 60 * 60;
console.log(new Basket().add({ name: "Ei", price: 0.3, unit: Unit.Dozen }).total, seconds_of_a_day);
